-- Stores an entry where there is no live one.
--
-- KEYS[1]  the entry
-- KEYS     then its tags, if their versions are to be those that it carries
-- ARGV[1]  its value
-- ARGV[2]  its lifetime in milliseconds; empty: for ever
-- ARGV[3]  the head of entries that are known not to be live; empty: none are
-- ARGV     then the versions of the tags
--
-- Returns 1 if it was stored. Else: the head of what is there if it bears tags, of which the caller finds out whether
-- it is live; -1 if it would be stored and a tag has another version; or 0.

local head = head_of(KEYS[1])
local is_dead = head and head == ARGV[3]
if not is_dead and redis.call('EXISTS', KEYS[1]) == 1 then
    return head or 0
end
for place = 2, #KEYS do
    if redis.pcall('GET', KEYS[place]) ~= ARGV[place + 2] then
        return -1
    end
end
if ARGV[2] == '' then
    redis.call('SET', KEYS[1], ARGV[1])
else
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 1
