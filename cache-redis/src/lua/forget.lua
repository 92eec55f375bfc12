-- Removes entries.
--
-- KEYS  the entries
--
-- Returns for each: 0 if nothing was there; the head of what was there if it bore tags, of which the caller finds
-- out whether it was live; else 1.

local gone = {}
for place, key in ipairs(KEYS) do
    local head = head_of(key)
    local count = redis.call('UNLINK', key)
    gone[place] = count == 1 and head or count
end
return gone
