-- Stores entries, each for as long as it is to live.
--
-- KEYS  the entries
-- ARGV  their values, then their lifetimes in milliseconds, or one that they share; empty: for ever
--
-- Returns 0 if all were stored. If the first is refused it is left at that, and -1 returned: nothing was stored, and asked
-- one by one the server says why in its own words. Else what was said of each: nothing if it was stored.

-- Locals, since a look-up of a global costs a tenth of a SET.
local run, keys, args = redis.pcall, KEYS, ARGV
local count = #keys
local shared = #args == count + 1 and args[count + 1]
local said
for place = 1, count do
    local value, millis = args[place], shared or args[count + place]
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
for place = 1, count do
    said[place] = said[place] or ''
end
return said
