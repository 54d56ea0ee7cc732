-- Where a user's stream stands: its epoch and its last offset.
--
-- KEYS: stream, epoch. ARGV: the epoch of a new stream, the seconds a stream lives.
local stream, epoch = unpack(KEYS)
keep_alive(stream, epoch, ARGV[1], ARGV[2])

-- A server that was restarted may have come back with an older state, in which the same offsets
-- name other messages: a stream that has lived through it counts as another one.
local run = redis.call('INFO', 'server'):match('run_id:(%x+)')

local offset
local info = redis.call('XINFO', 'STREAM', stream)
for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then
        offset = info[i + 1]
    end
end
return {redis.call('GET', epoch) .. '-' .. run:sub(1, 8), offset}
