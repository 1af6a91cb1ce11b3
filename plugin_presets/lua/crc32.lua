-- CRC-32 as in zlib and PNG.

local byte_table = {}
for byte = 0, 255 do
  local crc = byte
  for _ = 1, 8 do crc = (crc >> 1) ~ (0xEDB88320 & -(crc & 1)) end
  byte_table[byte] = crc
end

--- Continue `crc` (0 at the start) over the bytes of `text`.
return function (crc, text)
  crc = crc ~ 0xFFFFFFFF
  for index = 1, #text do crc = (crc >> 8) ~ byte_table[(crc ~ text:byte (index)) & 0xFF] end
  return crc ~ 0xFFFFFFFF
end
