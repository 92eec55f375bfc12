-- The version of a tag, made where there is none, and kept for long enough.
--
-- KEYS[1]  the tag
-- ARGV[1]  the version to give it if it has none
-- ARGV[2]  for how many milliseconds it has to be kept at least; empty: for ever
-- ARGV[3]  for how many it is kept if it would end before that, or is made
--
-- Returns the version, and for how long it is kept: the answer of PTTL.

local version = redis.pcall('GET', KEYS[1])
if type(version) ~= 'string' or #version ~= #ARGV[1] or version:find('%X') then
    version = ARGV[1]
    if ARGV[2] == '' then
        redis.call('SET', KEYS[1], version)
        return { version, -1 }
    end
    redis.call('SET', KEYS[1], version, 'PX', ARGV[3])
    return { version, tonumber(ARGV[3]) }
end
local left = redis.call('PTTL', KEYS[1])
if left == -1 then
    return { version, left }
end
if ARGV[2] == '' then
    redis.call('PERSIST', KEYS[1])
    return { version, -1 }
end
if left < tonumber(ARGV[2]) then
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
    left = tonumber(ARGV[3])
end
return { version, left }
