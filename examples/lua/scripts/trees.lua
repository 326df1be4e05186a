-- Binary trees that live for a while, beside one that lives all the time.
local depth = tonumber((...)) or 14

local function tree(levels)
  if levels == 0 then return {} end
  return { left = tree(levels - 1), right = tree(levels - 1) }
end

local function count(node)
  if not node.left then return 1 end
  return 1 + count(node.left) + count(node.right)
end

local lives = tree(depth)
local nodes = 0
for levels = 4, depth, 2 do
  for _ = 1, 1 << (depth - levels + 2) do
    nodes = nodes + count(tree(levels))
  end
end
nodes = nodes + count(lives)
print("trees", depth, nodes)
return nodes
