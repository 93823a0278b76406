# Writes the bytes of INPUT as numbers for a C initializer to OUTPUT: how the program carries files
# with it. Run by `embed` in CMakeLists.txt.
file(READ "${INPUT}" bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE "${OUTPUT}" "${bytes}\n")
