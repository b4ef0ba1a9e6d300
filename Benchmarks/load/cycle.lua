-- For wrk with one connection per thread: sends a message, receives one, deletes that, and so on. Each request is signed: those that
-- are always the same once, so that the client leaves the processors to the server.
-- Arguments: FILE with lines `name=value` for key, secret, region, host, queue and body.
local ffi = require("ffi")
ffi.cdef [[
  unsigned char *SHA256(const unsigned char *data, size_t count, unsigned char *out);
  const void *EVP_sha256(void);
  unsigned char *HMAC(const void *kind, const void *key, int key_count, const unsigned char *data, size_t count,
                      unsigned char *out, unsigned int *out_count);
]]
local crypto = ffi.load("libcrypto.so.3")
local digest, count = ffi.new("unsigned char[32]"), ffi.new("unsigned int[1]")
local digits = {}
for i = 0, 255 do digits[i] = string.format("%02x", i) end

local function hexadecimal()
  local out = {}
  for i = 0, 31 do out[i + 1] = digits[digest[i]] end
  return table.concat(out)
end
local function hash(text) crypto.SHA256(text, #text, digest); return hexadecimal() end
local function hmac(key, text) crypto.HMAC(crypto.EVP_sha256(), key, #key, text, #text, digest, count) end
local function derived(key, text) hmac(key, text); return ffi.string(digest, 32) end

local settings, key, day = {}, nil, nil
local FIELDS = "content-type;host;x-amz-date;x-amz-target"

local function signed(operation, body)
  local time = os.date("!%Y%m%dT%H%M%SZ")
  if day ~= time:sub(1, 8) then
    day = time:sub(1, 8)
    key = "AWS4" .. settings.secret
    for _, part in ipairs({day, settings.region, "sqs", "aws4_request"}) do key = derived(key, part) end
  end
  local head = "content-type:application/x-amz-json-1.0\nhost:" .. settings.host .. "\nx-amz-date:" .. time ..
    "\nx-amz-target:AmazonSQS." .. operation .. "\n"
  local scope = day .. "/" .. settings.region .. "/sqs/aws4_request"
  hmac(key, "AWS4-HMAC-SHA256\n" .. time .. "\n" .. scope .. "\n" .. hash("POST\n/\n\n" .. head .. "\n" .. FIELDS .. "\n" .. hash(body)))
  return "POST / HTTP/1.1\r\n" .. head:gsub("\n", "\r\n") .. "authorization:AWS4-HMAC-SHA256 Credential=" .. settings.key .. "/" ..
    scope .. ", SignedHeaders=" .. FIELDS .. ", Signature=" .. hexadecimal() .. "\r\ncontent-length:" .. #body .. "\r\n\r\n" .. body
end

local threads = {}
function setup(thread) threads[#threads + 1] = thread end

cycles, sent, failed, failure = 0, 0, 0, ""
local step, receipt = "send", nil
local queue, ready = nil, {}

function init(arguments)
  for line in io.lines(arguments[1]) do
    local name, value = line:match("^(%w+)=(.*)$")
    settings[name] = value
  end
  queue = '{"QueueUrl":"' .. settings.queue .. '"'
  ready.send = signed("SendMessage", queue .. ',"MessageBody":"' .. settings.body .. '"}')
  ready.receive = signed("ReceiveMessage", queue .. "}")
end

function request()
  if step ~= "delete" then return ready[step] end
  return signed("DeleteMessage", queue .. ',"ReceiptHandle":"' .. receipt .. '"}')
end

function response(status, _, body)
  if status ~= 200 then
    failed, failure, step = failed + 1, status .. " " .. body:sub(1, 300), "send"
  elseif step == "send" then
    sent, step = sent + 1, "receive"
  elseif step == "receive" then
    receipt = body:match('"ReceiptHandle"%s*:%s*"([^"]+)"')
    if receipt then step = "delete" end  -- else another connection has it: look again
  else
    cycles, step = cycles + 1, "send"
  end
end

function done(summary)
  local e = summary.errors
  local total = {cycles = 0, sent = 0, failed = e.connect + e.read + e.write + e.timeout}
  local text = ""
  for _, thread in ipairs(threads) do
    for name in pairs(total) do total[name] = total[name] + thread:get(name) end
    if thread:get("failure") ~= "" then text = thread:get("failure") end
  end
  if text ~= "" then print("FAILURE " .. text) end
  print(string.format('RESULT {"requests":%d,"microseconds":%d,"cycles":%d,"sent":%d,"failed":%d}', summary.requests,
    summary.duration, total.cycles, total.sent, total.failed))
end
