-- Looks whether a lock is held, and if it is has its end told to who looks. In one step, so that no end is missed.
--
-- KEYS[1]  the lock
-- KEYS[2]  who waits for it: channels, by the time at which they came
-- KEYS[3]  the same, by the time at which they looked last
-- ARGV[1]  the channel of who looks; empty: nothing is told there
-- ARGV[2]  for how many milliseconds it is kept who waits, unless they look again
--
-- Returns { what the lease has left: the answer of PTTL, which is -2 if there is none; 1 if its end is told, else 0 }.

local left = redis.call('PTTL', KEYS[1])
if ARGV[1] == '' or left == -2 then
    return { left, 0 }
end
local time = redis.call('TIME')
local now = time[1] .. ('00000' .. time[2]):sub(-6)
-- A server that is full refuses, and something of another type.
local noted = redis.pcall('ZADD', KEYS[3], now, ARGV[1])
if type(noted) == 'table' then
    return { left, 0 }
end
redis.call('PEXPIRE', KEYS[3], ARGV[2])
-- Who has not looked for so long is gone, and would be told in vain. Some at a time, since nobody else is served
-- meanwhile.
local long_ago = string.format('%.0f', now - ARGV[2] * 1000)
local gone = redis.pcall('ZRANGEBYSCORE', KEYS[3], '-inf', long_ago, 'LIMIT', 0, 100)
if #gone > 0 then
    redis.pcall('ZREM', KEYS[2], unpack(gone))
    redis.pcall('ZREM', KEYS[3], unpack(gone))
end

-- Who waits already keeps its place, unless the clock was set back since: then it would be behind all who come later.
local added = redis.pcall('ZADD', KEYS[2], 'LT', now, ARGV[1])
if type(added) == 'table' then
    return { left, 0 }
end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return { left, 1 }
