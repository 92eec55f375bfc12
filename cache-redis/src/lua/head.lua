-- What the entry at a key begins with if it bears tags: the bytes up to its payload (FORMAT.md). Nil if it bears
-- none, or is absent, or is of another type.
local function head_of(key)
    local start = redis.pcall('GETRANGE', key, 0, 5)
    if type(start) ~= 'string' or #start < 6 or start:byte(1) ~= 0xC1 or start:byte(2) % 2 == 0 then
        return nil
    end
    local length = ((start:byte(3) * 256 + start:byte(4)) * 256 + start:byte(5)) * 256 + start:byte(6)
    if length == 0 then
        return nil
    end
    return redis.call('GETRANGE', key, 0, 5 + length)
end

