# Writes a C file with an empty function for each symbol that the archives ROOMS lack and one of the
# shared LIBRARIES has. A program that is linked against these knows which symbols the loader is to
# find, and needs none of the libraries to start.
cmake_policy(SET CMP0057 NEW) # IN_LIST

function(symbols output flags)
    execute_process(COMMAND ${NM} ${flags} --format=posix ${ARGN} OUTPUT_VARIABLE text ERROR_QUIET)
    string(REGEX MATCHALL "[^\n]+" lines "${text}")
    set(names)
    foreach(line IN LISTS lines)
        if(line MATCHES "^([A-Za-z_][A-Za-z0-9_]*)[^ ]* [A-Za-z]")
            list(APPEND names ${CMAKE_MATCH_1})
        endif()
    endforeach()
    list(REMOVE_DUPLICATES names)
    set(${output} "${names}" PARENT_SCOPE)
endfunction()

string(REPLACE "," ";" ROOMS "${ROOMS}")
string(REPLACE "," ";" LIBRARIES "${LIBRARIES}")
symbols(lacking "-u" ${ROOMS})
symbols(offered "-D;--defined-only" ${LIBRARIES})
set(source "")
foreach(name IN LISTS lacking)
    if(name IN_LIST offered)
        string(APPEND source "void ${name}(void);\nvoid ${name}(void) {}\n")
    endif()
endforeach()
file(WRITE ${OUTPUT} "${source}")
