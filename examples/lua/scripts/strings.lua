-- Strings made of parts, searched, replaced, formatted and joined.
local rounds = tonumber((...)) or 300
local words = { "heap", "span", "page", "arena", "mark", "sweep", "slot", "root", "fiber", "stack" }

local sum = 0
for round = 1, rounds do
  local parts = {}
  for i = 1, 400 do
    local word = words[(i * 7 + round) % #words + 1]
    parts[#parts + 1] = word .. ":" .. string.format("%05d", i * round % 99991)
  end
  local text = table.concat(parts, " ")
  local shouted = text:gsub("%a+", string.upper)
  for word, number in shouted:gmatch("(%u+):(%d+)") do
    sum = (sum + #word * tonumber(number)) % 1000000007
  end
  local line = ""
  for i = 1, 60 do line = line .. parts[i]:sub(1, 4) .. i end
  sum = (sum * 31 + #line + line:byte(#line // 2)) % 1000000007
end
print("strings", rounds, sum)
return sum
