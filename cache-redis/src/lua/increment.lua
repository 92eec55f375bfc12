-- Adds to a counter, and creates it with a lifetime where it is absent, in one step.
--
-- KEYS[1]  the entry
-- ARGV[1]  what to add: a decimal integer
-- ARGV[2]  the lifetime of a counter that is created, in milliseconds; empty: for ever
--
-- Returns the sum as text: a number would pass through Lua's doubles and lose what lies beyond 2^53.

local created
if ARGV[2] == '' then
    created = redis.pcall('SET', KEYS[1], ARGV[1], 'NX')
else
    created = redis.pcall('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
end
if created then
    -- Done, or an error such as that of a full server, which is handed on as it is.
    return created.err and created or ARGV[1]
end

-- It refuses what is no integer, and what would overflow; both leave the entry as it is.
local counted = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(counted) == 'table' then
    return counted
end
return redis.call('GET', KEYS[1])
