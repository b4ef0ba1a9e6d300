-- For wrk: sends the requests of a file, made and signed before, one after the other.
-- Arguments: FILE. The file holds requests, each after a line with its length in bytes.
local threads = 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end

local requests, at = {}, 0
function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  for line in file:lines() do
    requests[#requests + 1] = file:read(tonumber(line))
    file:read(1)
  end
  file:close()
  at = number * 61 % #requests  -- threads begin at different places
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local e = summary.errors
  print(string.format('RESULT {"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"failed":%d}', summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), e.status + e.connect + e.read + e.write + e.timeout))
end
