-- Who holds a lock.
--
-- KEYS[1]  the lock
--
-- Returns { the owner, what the lease has left: the answer of PTTL }; or 0 if nobody does.

local holder = redis.pcall('GET', KEYS[1])
if not holder then
    return 0
end
if type(holder) == 'table' then
    -- Something of another type, which is an error.
    return holder
end
return { holder, redis.call('PTTL', KEYS[1]) }
