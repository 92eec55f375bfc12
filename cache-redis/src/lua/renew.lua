-- Prolongs a lock for who holds it.
--
-- KEYS[1]  the lock
-- ARGV[1]  the owner
-- ARGV[2]  the lease in milliseconds
--
-- Returns 1 if the owner holds it; else 0, and nothing has changed.

if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
