-- Adds to a counter, and creates it with a lifetime where there is none, in one step.
--
-- KEYS[1]  the entry
-- ARGV[1]  what to add: a decimal integer
-- ARGV[2]  the lifetime of a counter that is created, in milliseconds; empty: for ever
-- ARGV[3]  the head of a counter that is created; empty: it bears no tags
-- ARGV[4]  the head of entries that are known not to be live; empty: none are
--
-- Returns the sum as text: a number would pass through Lua's doubles and lose what lies beyond 2^53. Where the
-- counter bears tags: its head, and the sum or what kept it from being counted. Whether the counter is live is for
-- the caller to find out; if it is not, nobody is served what was counted.

local head = head_of(KEYS[1])

if not head or head == ARGV[4] then
    local set = { 'SET', KEYS[1], ARGV[3] .. ARGV[1] }
    if ARGV[2] ~= '' then
        set[#set + 1] = 'PX'
        set[#set + 1] = ARGV[2]
    end
    if not head then
        set[#set + 1] = 'NX'
    end
    local created = redis.pcall(unpack(set))
    if created then
        -- Done, or an error such as that of a full server, which is handed on as it is.
        if created.err then
            return created
        end
        return ARGV[3] == '' and ARGV[1] or { ARGV[3], ARGV[1] }
    end
    -- It refuses what is no integer, and what would overflow; both leave the entry as it is.
    local counted = redis.pcall('INCRBY', KEYS[1], ARGV[1])
    if type(counted) == 'table' then
        return counted
    end
    return redis.call('GET', KEYS[1])
end

if head:byte(2) ~= 3 then
    return { head, 'ERR value is not an integer' }
end
-- The server counts what is plain text, exactly; so it is that for a moment which nobody sees.
local number = redis.call('GETRANGE', KEYS[1], #head, -1)
redis.call('SET', KEYS[1], number, 'KEEPTTL')
local counted = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(counted) == 'table' then
    redis.call('SET', KEYS[1], head .. number, 'KEEPTTL')
    return { head, counted.err }
end
local sum = redis.call('GET', KEYS[1])
redis.call('SET', KEYS[1], head .. sum, 'KEEPTTL')
return { head, sum }
