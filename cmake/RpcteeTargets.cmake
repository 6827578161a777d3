# One library a folder: rpctee_library(NAME SOURCES... [DEPENDS targets...]) makes rpctee::NAME, with the include root
# userspace/ (and the repository's root, for bpf/abi), and the project's warnings.

add_library(rpctee_options INTERFACE)
target_compile_options(
  rpctee_options INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wnon-virtual-dtor $<$<BOOL:${RPCTEE_WERROR}>:-Werror>)
# Nothing here is a shared library, so that a function may be inlined wherever it is seen; clang assumes that by itself.
target_compile_options(rpctee_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-fno-semantic-interposition>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # gcc 12 warns of overlapping copies inside std::string's operator+ when it inlines them (GCC bug 105329), and at -O3 of
  # a string's storage in an aggregate that it has moved into a vector.
  target_compile_options(rpctee_options INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Part of clang's -Wconversion, and not of gcc's in C++: the code is held to one set of warnings.
  target_compile_options(rpctee_options INTERFACE -Wno-sign-conversion)
endif()
target_include_directories(rpctee_options INTERFACE ${CMAKE_SOURCE_DIR}/userspace ${CMAKE_SOURCE_DIR})
# What every translation unit has in common, of whatever language.
add_library(rpctee_instrumentation INTERFACE)
target_link_libraries(rpctee_options INTERFACE rpctee_instrumentation)
if(RPCTEE_SANITIZE)
  target_compile_options(rpctee_instrumentation INTERFACE -fsanitize=${RPCTEE_SANITIZE} -fno-omit-frame-pointer
                                                          -fno-sanitize-recover=all)
  target_link_options(rpctee_instrumentation INTERFACE -fsanitize=${RPCTEE_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # gcc 12's flow analysis reports false "maybe uninitialized" in sanitized builds of optional-like types.
    target_compile_options(rpctee_options INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()
if(RPCTEE_FUZZ)
  target_compile_options(rpctee_instrumentation INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(rpctee_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(rpctee_${name} STATIC ${arg_SOURCES})
  add_library(rpctee::${name} ALIAS rpctee_${name})
  target_link_libraries(rpctee_${name} PUBLIC rpctee_options ${arg_DEPENDS})
endfunction()

# rpctee_test(NAME SOURCES... [DEPENDS targets...]): one googletest binary, known to ctest by its name.
function(rpctee_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE rpctee_options rpctee_source_dir ${arg_DEPENDS} GTest::gtest GTest::gmock
                                        GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
endfunction()
