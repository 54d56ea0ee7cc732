-- The life of a stream: it and its epoch are born together and expire together, so that a client
-- which knows an epoch can tell whether the offsets it remembers still mean anything.
local function keep_alive(stream, epoch, new_epoch, seconds)
    if redis.call('EXISTS', stream, epoch) < 2 then
        redis.call('DEL', stream)
        redis.call('SET', epoch, new_epoch)
        redis.call('XADD', stream, '*', 'born', '')  -- trimmed at once, but its id is an offset
        redis.call('XTRIM', stream, 'MAXLEN', 0)
    end
    redis.call('EXPIRE', stream, seconds)
    redis.call('EXPIRE', epoch, seconds)
end
