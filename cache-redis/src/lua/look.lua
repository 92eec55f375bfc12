-- Looks whether a lock is held, and if it is has its end told to who looks. In one step, so that no end is missed.
--
-- KEYS[1]  the lock
-- KEYS[2]  who waits for it: channels, by the time at which they came
-- ARGV[1]  the channel of who looks; empty: nothing is told there
-- ARGV[2]  for how many milliseconds it is kept who waits, unless somebody looks again
--
-- Returns { what the lease has left: the answer of PTTL, which is -2 if there is none; 1 if its end is told, else 0 }.

local left = redis.call('PTTL', KEYS[1])
if ARGV[1] == '' or left == -2 then
    return { left, 0 }
end
-- Who waits already keeps its place, unless the clock was set back since: then it would be behind all who come later. A
-- server that is full refuses, and something of another type.
local time = redis.call('TIME')
local place = time[1] .. ('00000' .. time[2]):sub(-6)
local added = redis.pcall('ZADD', KEYS[2], 'LT', place, ARGV[1])
if type(added) == 'table' then
    return { left, 0 }
end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return { left, 1 }
