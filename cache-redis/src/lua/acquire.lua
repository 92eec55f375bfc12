-- Takes a lock that nobody holds, or takes it again for who holds it: so a command that is repeated does no harm.
--
-- KEYS[1]  the lock
-- KEYS[2]  its fence
-- ARGV[1]  the owner
-- ARGV[2]  the lease in milliseconds
-- ARGV[3]  for how many milliseconds the fence is kept: until then the clock has gone beyond it
--
-- Returns { 1, the fence as text }; or { 0, what the lease of another has left: the answer of PTTL }.

local holder = redis.pcall('GET', KEYS[1])
if type(holder) == 'table' then
    -- Something of another type, which is an error.
    return holder
end
if holder and holder ~= ARGV[1] then
    return { 0, redis.call('PTTL', KEYS[1]) }
end

-- In microseconds, which a double holds exactly until the year 2255. A clock that was set back, or is that of a
-- replica which has taken over, is behind the last fence; a fence that was evicted, or lost with a restart, is behind
-- the clock.
local time = redis.call('TIME')
local fence = tonumber(time[1]) * 1000000 + tonumber(time[2])
local last = redis.pcall('GET', KEYS[2])
if type(last) == 'string' and #last <= 16 and last:find('^%d+$') and tonumber(last) >= fence then
    fence = tonumber(last) + 1
end
fence = string.format('%.0f', fence)
-- The fence first: a server that is full refuses it, and the lock is not taken without one.
local kept = redis.pcall('SET', KEYS[2], fence, 'PX', ARGV[3])
if kept.err then
    return kept
end
local taken = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if taken.err then
    return taken
end
return { 1, fence }
