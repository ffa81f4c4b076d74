-- What wrk sends: submissions, queries, or both, with several keys in turn.
--
-- Flow      benchmarks.load -> wrk -s load.lua URL -- PLAN -> portravox serve
-- Reads     PLAN: lines of "name value"; `key`, `task` and `body` may come more than once
-- Gives     one line of JSON on stdout: requests, errors and the times they took

local keys, tasks, bodies = {}, {}, {}
local submissions = 0 -- of a hundred requests
local apart_ms = 0 -- how long a connection pauses before each request
local submits, queries = {}, {}

local function read(plan)
  for line in io.lines(plan) do
    local name, value = line:match("^(%S+) (.*)$")
    if name == "key" then keys[#keys + 1] = value
    elseif name == "task" then tasks[#tasks + 1] = value
    elseif name == "body" then bodies[#bodies + 1] = value
    elseif name == "submissions" then submissions = tonumber(value)
    elseif name == "apart_ms" then apart_ms = tonumber(value)
    else error("unknown in a plan: " .. line) end
  end
end

function init(arguments)
  math.randomseed(1)
  read(arguments[1])
  -- Made beforehand: what is measured is the server, not this script.
  for _, key in ipairs(keys) do
    local authorization = "Bearer " .. key
    for _, body in ipairs(bodies) do
      submits[#submits + 1] = wrk.format(
        "POST", "/api/v1/services/aigc/image2video/video-synthesis",
        {
          ["Authorization"] = authorization,
          ["Content-Type"] = "application/json",
          ["X-DashScope-Async"] = "enable",
        },
        body)
    end
  end
  for at, task in ipairs(tasks) do
    queries[#queries + 1] = wrk.format(
      "GET", "/api/v1/tasks/" .. task,
      { ["Authorization"] = "Bearer " .. keys[1 + at % #keys] })
  end
end

function request()
  if math.random(100) <= submissions then
    return submits[math.random(#submits)]
  end
  return queries[math.random(#queries)]
end

function delay()
  -- Spread evenly around the mean, so that connections do not march in step.
  return math.random(0, 2 * apart_ms)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "wall_s": %.3f, "refused": %d, "broken": %d,'
      .. ' "median_ms": %.3f, "p99_ms": %.3f, "slowest_ms": %.3f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
