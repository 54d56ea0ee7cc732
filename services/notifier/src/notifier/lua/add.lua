-- Adds a message to a user's stream and publishes it, unless it was added before or its job has
-- got further already. Returns how many messages were added.
--
-- KEYS: stream, epoch, event (a note that it was added), job (what was last told of it).
-- ARGV: channel, the epoch of a new stream, the length of a stream, the seconds a stream lives,
--       the seconds notes are kept, the kind of message, its text; then
--       for kind 'progress': progress, pages done, rank of the status;
--       for kind 'end': the progress message that must have come first, or ''.
local stream, epoch, event, job = unpack(KEYS)
local channel, new_epoch, length, seconds, note_seconds, kind, text = unpack(ARGV)

if redis.call('EXISTS', event) == 1 then
    return 0
end

-- What was last told of the job: progress, pages done, rank of the status; and whether it ended.
local told = {}
if kind ~= 'message' then
    told = redis.call('HMGET', job, 'progress', 'pages_done', 'rank', 'ended')
end
if told[4] then
    return 0
end
if kind == 'progress' then
    for i = 1, 3 do
        if told[i] and tonumber(ARGV[7 + i]) < tonumber(told[i]) then
            return 0
        end
    end
end

local added = 0
local function show(message)
    local id = redis.call('XADD', stream, 'MAXLEN', '~', length, '*', 'message', message)
    local complete = message:sub(1, -2) .. ',"offset":"' .. id .. '"}'
    redis.call('PUBLISH', channel, id .. ' ' .. complete)
    added = added + 1
end

keep_alive(stream, epoch, new_epoch, seconds)
if kind == 'end' and ARGV[8] ~= '' and tonumber(told[1] or 0) < 100 then
    show(ARGV[8])
end
show(text)

-- The notes come last: should anything above fail, the event is tried again rather than lost.
if kind == 'progress' then
    redis.call('HSET', job, 'progress', ARGV[8], 'pages_done', ARGV[9], 'rank', ARGV[10])
elseif kind == 'end' then
    redis.call('HSET', job, 'ended', 1)
end
if kind ~= 'message' then
    redis.call('EXPIRE', job, note_seconds)
end
redis.call('SET', event, 1, 'EX', note_seconds)
return added
