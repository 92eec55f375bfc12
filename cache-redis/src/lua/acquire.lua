-- Takes a lock that nobody holds, or takes it again for who holds it: so a command that is repeated does no harm.
--
-- KEYS[1]  the lock
-- KEYS[2]  its fence
-- ARGV[1]  the owner
-- ARGV[2]  the lease in milliseconds
-- ARGV[3]  for how many milliseconds the fence is kept after the clock has reached it: until then it has gone beyond it
--
-- Returns { 1, the fence as text }; or { 0, what the lease of another has left: the answer of PTTL }.

-- A server that is full refuses the first command of a script that writes, and then none that follows: so a lock that
-- is taken has its fence.
local taken = redis.pcall('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
if not taken or taken.err then
    local holder = redis.pcall('GET', KEYS[1])
    if type(holder) == 'table' then
        -- Something of another type, which is an error.
        return holder
    end
    if holder and holder ~= ARGV[1] then
        return { 0, redis.call('PTTL', KEYS[1]) }
    end
    if taken then
        return taken
    end
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
end

-- In microseconds, which a double holds exactly until the year 2255. A clock that was set back, or is that of a
-- replica which has taken over, is behind the last fence; a fence that was evicted, or lost with a restart, is behind
-- the clock. Put together as text, since to format a number costs more than both commands here.
local time = redis.call('TIME')
local fence = time[1] .. ('00000' .. time[2]):sub(-6)
local last = redis.pcall('SET', KEYS[2], fence, 'PX', ARGV[3], 'GET')
if type(last) == 'table' and last.err and last.err:find('^WRONGTYPE') then
    -- Something of another type, which GET does not have replaced.
    last = redis.pcall('SET', KEYS[2], fence, 'PX', ARGV[3])
elseif type(last) == 'string' and (#last ~= #fence or last >= fence) then
    -- Not, as it mostly is, an older fence of the same length.
    if #last <= 16 and last:find('^%d+$') and tonumber(last) >= tonumber(fence) then
        -- The clock has to come there first.
        local ahead = (tonumber(last) - tonumber(fence)) / 1000
        fence = string.format('%.0f', tonumber(last) + 1)
        last = redis.pcall('SET', KEYS[2], fence, 'PX', string.format('%.0f', ARGV[3] + ahead))
    end
end
if type(last) == 'table' and last.err then
    -- This user may not write it.
    redis.call('UNLINK', KEYS[1])
    return last
end
return { 1, fence }
