"""What has to happen in one piece in the broker, in its own language (Lua). demos/queue.py says what the keys are.

A score holds tier * 2^51 + turn * 2^32 + arrival and stays exact: at most 2^53.
"""

# KEYS waiting, entries, turns, clock, arrivals; ARGV run, entry as JSON. 1: entered, 0: was there already.
ENQUEUE = """
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
local entry = cjson.decode(ARGV[2])
local who = entry.tier .. ':' .. entry.person
local clock = tonumber(redis.call('HGET', KEYS[4], entry.tier) or '0')
local latest = tonumber(redis.call('HGET', KEYS[3], who) or '-1')
local turn = math.max(clock, latest + 1)
if entry.tier == 0 then turn = 0 end
local arrival = redis.call('INCR', KEYS[5]) % 4294967296
local now = redis.call('TIME')
entry.turn = turn
entry.since = now[1] + now[2] / 1000000
redis.call('ZADD', KEYS[1], string.format('%.0f', entry.tier * 2251799813685248 + turn * 4294967296 + arrival), ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], cjson.encode(entry))
redis.call('HSET', KEYS[3], who, turn)
return 1
"""

# KEYS waiting, entries, turns, clock, orders; ARGV worker, what it can do as JSON. {run, its entry or false}, or false.
TAKE = """
if redis.call('HEXISTS', KEYS[5], ARGV[1]) == 1 then return false end
local worker = cjson.decode(ARGV[2])
local function set(list)
  local found = {}
  for _, name in ipairs(list) do found[name] = true end
  return found
end
local ready, refused, elsewhere = set(worker.ready), set(worker.refused), set(worker.elsewhere)
local now = redis.call('TIME')
local seconds = now[1] + now[2] / 1000000
local function may_serve(entry)
  if refused[entry.model] or (entry.alone and not worker.alone) then return false end
  return ready[entry.model] or not elsewhere[entry.model] or seconds - entry.since > worker.patience
end
local place = 0
while true do
  local ids = redis.call('ZRANGE', KEYS[1], place, place + 99)
  if #ids == 0 then return false end
  local entries = redis.call('HMGET', KEYS[2], unpack(ids))
  for i, id in ipairs(ids) do
    local entry = entries[i] and cjson.decode(entries[i])
    if not entry or may_serve(entry) then
      redis.call('ZREM', KEYS[1], id)
      redis.call('HDEL', KEYS[2], id)
      if entry then
        local clock = tonumber(redis.call('HGET', KEYS[4], entry.tier) or '0')
        if entry.turn > clock then redis.call('HSET', KEYS[4], entry.tier, entry.turn) end
      end
      if redis.call('ZCARD', KEYS[1]) == 0 then redis.call('DEL', KEYS[3], KEYS[4]) end
      return {id, entries[i]}
    end
  end
  place = place + 100
end
"""

# KEYS waiting, entries, turns, clock; ARGV run. Who goes without having been served gets the turn back.
LEAVE = """
local raw = redis.call('HGET', KEYS[2], ARGV[1])
local there = redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
if raw and there == 1 then
  local entry = cjson.decode(raw)
  local who = entry.tier .. ':' .. entry.person
  if tonumber(redis.call('HGET', KEYS[3], who) or '-1') == entry.turn then
    redis.call('HSET', KEYS[3], who, entry.turn - 1)
  end
end
if redis.call('ZCARD', KEYS[1]) == 0 then redis.call('DEL', KEYS[3], KEYS[4]) end
return there
"""
