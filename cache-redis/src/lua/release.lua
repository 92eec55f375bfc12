-- Ends a lock, and tells the first of those who wait for it. Also where it has ended before: who was told of that and
-- does not try to take the lock has the next one told so.
--
-- KEYS[1]  the lock
-- KEYS[2]  who waits for it: channels, by the time at which they came
-- ARGV[1]  the owner; empty: whoever it is
-- ARGV[2]  1 where the answer of PUBLISH is how many have heard, 0 on a cluster
-- ARGV[3]  a channel that is passed over: of whoever releases, and does not wait any more
--
-- Returns 1 if there was a lock of that owner, else 0. If it is another's nothing has changed.

local gone = 0
if ARGV[1] == '' then
    gone = redis.call('UNLINK', KEYS[1])
else
    local holder = redis.pcall('GET', KEYS[1])
    if holder == ARGV[1] then
        gone = redis.call('UNLINK', KEYS[1])
    elseif holder then
        return 0
    end
end

-- Bounded, since nobody else is served meanwhile. Whoever is behind so many that are gone finds out by looking.
for _ = 1, 1000 do
    local first = redis.pcall('ZPOPMIN', KEYS[2])[1]
    if not first then
        break
    end
    if first ~= ARGV[3] then
        local heard = redis.pcall('PUBLISH', first, KEYS[1])
        if ARGV[2] == '0' then
            -- The first may be gone, and another node would know. The second keeps its place.
            local second = redis.pcall('ZRANGE', KEYS[2], 0, 0)[1]
            if second then
                redis.pcall('PUBLISH', second, KEYS[1])
            end
            break
        end
        -- Where the user may not publish, who waits finds out by looking.
        if type(heard) == 'table' or heard > 0 then
            break
        end
    end
end
return gone
