-- A text of nested values is written, read back and written again.
local rounds = tonumber((...)) or 40

local function write(value, out)
  local kind = type(value)
  if kind == "table" and value[1] ~= nil then
    out[#out + 1] = "["
    for i, item in ipairs(value) do
      if i > 1 then out[#out + 1] = "," end
      write(item, out)
    end
    out[#out + 1] = "]"
  elseif kind == "table" then
    local keys = {}
    for key in pairs(value) do keys[#keys + 1] = key end
    table.sort(keys)
    out[#out + 1] = "{"
    for i, key in ipairs(keys) do
      if i > 1 then out[#out + 1] = "," end
      out[#out + 1] = '"' .. key .. '":'
      write(value[key], out)
    end
    out[#out + 1] = "}"
  elseif kind == "string" then
    out[#out + 1] = '"' .. value:gsub('[\\"]', "\\%0") .. '"'
  else
    out[#out + 1] = tostring(value)
  end
end

local read

local function read_string(text, at)
  local from, parts = at, {}
  while true do
    local stop = text:find('[\\"]', at)
    parts[#parts + 1] = text:sub(from, stop - 1)
    if text:sub(stop, stop) == '"' then return table.concat(parts), stop + 1 end
    from, at = stop + 1, stop + 2
  end
end

local function read_array(text, at)
  local array = {}
  while text:sub(at, at) ~= "]" do
    array[#array + 1], at = read(text, at)
    if text:sub(at, at) == "," then at = at + 1 end
  end
  return array, at + 1
end

local function read_object(text, at)
  local object, key = {}, nil
  while text:sub(at, at) ~= "}" do
    key, at = read_string(text, at + 1)
    object[key], at = read(text, at + 1)
    if text:sub(at, at) == "," then at = at + 1 end
  end
  return object, at + 1
end

function read(text, at)
  local first = text:sub(at, at)
  if first == '"' then return read_string(text, at + 1) end
  if first == "[" then return read_array(text, at + 1) end
  if first == "{" then return read_object(text, at + 1) end
  local word = text:match("^[%w.+-]+", at)
  at = at + #word
  if word == "true" then return true, at end
  if word == "false" then return false, at end
  return math.tointeger(tonumber(word)), at
end

local function text_of(value)
  local out = {}
  write(value, out)
  return table.concat(out)
end

local sum = 0
for round = 1, rounds do
  local records = {}
  for i = 1, 120 do
    records[i] = {
      name = "record \"" .. i .. "\"",
      id = i * round,
      even = i % 2 == 0,
      tags = { "a" .. i % 7, "b" .. i % 11, "c\\" .. round },
      place = { x = i, y = -i, inner = { depth = round } },
    }
  end
  local text = text_of(records)
  local again = text_of((read(text, 1)))
  assert(again == text, "what was read is what was written")
  for i = 1, #text, 97 do sum = (sum * 31 + text:byte(i)) % 1000000007 end
end
print("json", rounds, sum)
return sum
