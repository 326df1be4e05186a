-- Three bodies that attract each other: arithmetic, and hardly any allocation.
local steps = tonumber((...)) or 200000

local bodies = {
  { x = 0.0, y = 0.0, vx = 0.0, vy = 0.0, mass = 40.0 },
  { x = 5.0, y = 0.0, vx = 0.0, vy = 2.6, mass = 0.25 },
  { x = -9.0, y = 1.0, vx = 0.2, vy = -2.0, mass = 0.125 },
}

local function advance(dt)
  for i = 1, #bodies do
    local a = bodies[i]
    for j = i + 1, #bodies do
      local b = bodies[j]
      local dx, dy = a.x - b.x, a.y - b.y
      local square = dx * dx + dy * dy + 0.0625
      local pull = dt / (square * square ^ 0.5)
      a.vx, a.vy = a.vx - dx * b.mass * pull, a.vy - dy * b.mass * pull
      b.vx, b.vy = b.vx + dx * a.mass * pull, b.vy + dy * a.mass * pull
    end
  end
  for i = 1, #bodies do
    local a = bodies[i]
    a.x, a.y = a.x + dt * a.vx, a.y + dt * a.vy
  end
end

for _ = 1, steps do advance(0.001) end
local sum = 0
for i = 1, #bodies do
  sum = sum + math.floor((bodies[i].x + 1000) * 1000) * i + math.floor((bodies[i].y + 1000) * 1000)
end
print("nbody", steps, sum)
return sum
