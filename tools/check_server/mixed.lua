-- Requests of wrk: clicks on few sessions, and a look at the health now and then. What came back is
-- counted by status and printed at the end. FBRS_SESSIONS names the sessions, with commas between.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  sessions = {}
  for session in string.gmatch(os.getenv("FBRS_SESSIONS"), "%x+") do
    table.insert(sessions, session)
  end
  count = 0
  statuses = ""
  counted = {}
end

function request()
  count = count + 1
  if count % 4 == 0 then
    return wrk.format("GET", "/healthz")
  end
  local session = sessions[math.random(#sessions)]
  local x, y = math.random(0, 63), math.random(0, 63)
  local body = string.format('{"x": %d, "y": %d, "positive": %s}', x, y, tostring(x % 2 == 0))
  local what = count % 9 == 0 and "reset" or "clicks"
  return wrk.format("POST", "/v1/sessions/" .. session .. "/" .. what .. "?format=none",
                    { ["content-type"] = "application/json" }, what == "clicks" and body or nil)
end

function response(status)
  counted[status] = (counted[status] or 0) + 1
  statuses = ""
  for name, times in pairs(counted) do
    statuses = statuses .. name .. "=" .. times .. " "
  end
end

function done(summary, latency)
  for _, thread in ipairs(threads) do
    io.write("statuses " .. thread:get("statuses") .. "\n")
  end
  local errors = summary.errors
  io.write(string.format("errors connect=%d read=%d write=%d timeout=%d\n", errors.connect, errors.read,
                         errors.write, errors.timeout))
end
