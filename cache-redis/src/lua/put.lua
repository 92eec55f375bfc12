-- Stores entries under tags, if the tags have the versions that the entries carry.
--
-- KEYS     the entries, then the tags
-- ARGV[1]  how many entries
-- ARGV[2]  their lifetime in milliseconds; empty: for ever
-- ARGV     then the values of the entries, then the versions of the tags
--
-- Returns 1 if they were stored, 0 if nothing was.

local count = tonumber(ARGV[1])
for place = count + 1, #KEYS do
    if redis.pcall('GET', KEYS[place]) ~= ARGV[place + 2] then
        return 0
    end
end
for place = 1, count do
    if ARGV[2] == '' then
        redis.call('SET', KEYS[place], ARGV[place + 2])
    else
        redis.call('SET', KEYS[place], ARGV[place + 2], 'PX', ARGV[2])
    end
end
return 1
