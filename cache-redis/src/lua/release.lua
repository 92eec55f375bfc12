-- Ends a lock, and tells who waits for it.
--
-- KEYS[1]  the lock
-- ARGV[1]  the channel of those who wait
-- ARGV[2]  the owner; empty: whoever it is
--
-- Returns 1 if there was a lock of that owner; else 0, and nothing has changed.

if ARGV[2] ~= '' and redis.pcall('GET', KEYS[1]) ~= ARGV[2] then
    return 0
end
local gone = redis.call('UNLINK', KEYS[1])
if gone == 1 then
    -- Where the user may not publish, who waits finds out by looking.
    redis.pcall('PUBLISH', ARGV[1], '')
end
return gone
