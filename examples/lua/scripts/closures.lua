-- Closures, objects with metatables, and coroutines that live shortly.
local rounds = tonumber((...)) or 60

local Point = {}
Point.__index = Point
Point.__add = function(a, b) return setmetatable({ x = a.x + b.x, y = a.y + b.y }, Point) end

local function counter(start)
  local n = start
  return function(step)
    n = n + step
    return n
  end
end

local function compose(f, g)
  return function(x) return f(g(x)) end
end

local sum = 0
for round = 1, rounds do
  local at = setmetatable({ x = 0, y = round }, Point)
  for i = 1, 1500 do
    local next_number = counter(i)
    local both = compose(next_number, function(x) return x % 17 + round end)
    at = at + setmetatable({ x = both(i), y = next_number(1) }, Point)
  end
  sum = (sum + at.x * 3 + at.y) % 1000000007
  for i = 1, 200 do
    local squares = coroutine.wrap(function()
      for k = 1, 8 do coroutine.yield(k * k + i) end
      return 0
    end)
    for _ = 1, 9 do sum = (sum + squares()) % 1000000007 end
  end
end
print("closures", rounds, sum)
return sum
