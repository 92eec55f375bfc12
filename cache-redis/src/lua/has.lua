-- Whether there is an entry.
--
-- KEYS[1]  the entry
--
-- Returns 0 if nothing is there; the head of what is there if it bears tags, of which the caller finds out whether
-- it is live; else 1.

if redis.call('EXISTS', KEYS[1]) == 0 then
    return 0
end
return head_of(KEYS[1]) or 1
