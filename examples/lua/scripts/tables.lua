-- Tables that grow, lose entries and are replaced: the array part and the hash part.
local rounds = tonumber((...)) or 40

local seed = 42
local function random(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed // 65536 % n + 1
end

local store, sum = {}, 0
for round = 1, rounds do
  for _ = 1, 4000 do
    local key = "key" .. random(5000)
    local entry = store[key]
    if entry == nil then
      store[key] = { id = round, values = { random(100), random(100), random(100) } }
    elseif random(3) == 1 then
      store[key] = nil
    else
      local values = entry.values
      values[#values + 1] = random(100)
      if #values > 24 then entry.values = { values[#values] } end
    end
  end
  local array = {}
  for i = 1, 2000 do array[i] = random(100000) end
  table.sort(array)
  for i = 2000, 1001, -1 do array[i] = nil end
  sum = (sum * 31 + array[1] + array[500] + array[#array]) % 1000000007
end
local entries, total = 0, 0
for _, entry in pairs(store) do
  entries = entries + 1
  for _, value in ipairs(entry.values) do total = total + value end
end
sum = (sum + entries * 1000 + total) % 1000000007
print("tables", rounds, sum)
return sum
