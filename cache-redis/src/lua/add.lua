-- Stores an entry where there is no live one.
--
-- KEYS[1]  the entry
-- ARGV[1]  its value
-- ARGV[2]  its lifetime in milliseconds; empty: for ever
-- ARGV[3]  the head of entries that are known not to be live; empty: none are
--
-- Returns 1 if it was stored. Else: the head of what is there if it bears tags, of which the caller finds out whether
-- it is live; or 0.

local head = head_of(KEYS[1])
local set = { 'SET', KEYS[1], ARGV[1] }
if ARGV[2] ~= '' then
    set[#set + 1] = 'PX'
    set[#set + 1] = ARGV[2]
end
if not head or head ~= ARGV[3] then
    set[#set + 1] = 'NX'
end
local stored = redis.pcall(unpack(set))
if stored and stored.err then
    return stored
end
return stored and 1 or head or 0
