-- Stores entries, each for as long as it is to live.
--
-- KEYS  the entries
-- ARGV  of each its value and its lifetime in milliseconds; empty: for ever
--
-- Returns 0 if all were stored. If the first is refused it is left at that, and -1 returned: nothing was stored, and asked
-- one by one the server says why in its own words. Else what was said of each: nothing if it was stored.

-- Locals, since a look-up of a global costs a tenth of a SET.
local run, keys, args = redis.pcall, KEYS, ARGV
local said
for place = 1, #keys do
    local value, millis = args[2 * place - 1], args[2 * place]
    local stored
    if millis == '' then
        stored = run('SET', keys[place], value)
    else
        -- With one argument less than SET, which has to read them all.
        stored = run('PSETEX', keys[place], millis, value)
    end
    if stored.err then
        if place == 1 then
            return -1
        end
        said = said or {}
        said[place] = stored.err
    end
end
if not said then
    return 0
end
for place = 1, #keys do
    said[place] = said[place] or ''
end
return said
