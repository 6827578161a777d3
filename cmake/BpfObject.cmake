# bpf_object(NAME SOURCE): compiles SOURCE for the BPF target and makes the library rpctee::NAME_skeleton, whose header
# NAME.skel.h embeds the object. Headers that SOURCE includes are tracked, so an edit of bpf/abi rebuilds all.
# Only uapi headers are used: the object needs no BTF of the running kernel.
find_program(RPCTEE_CLANG_PATH ${RPCTEE_BPF_CLANG} REQUIRED)
find_program(RPCTEE_BPFTOOL bpftool PATHS /usr/sbin /sbin REQUIRED)
find_program(RPCTEE_LLVM_STRIP NAMES llvm-strip-16 llvm-strip-14 llvm-strip REQUIRED)

function(bpf_object name source)
  set(object ${CMAKE_BINARY_DIR}/bpf/${name}.bpf.o)
  set(skeleton ${CMAKE_BINARY_DIR}/bpf/${name}.skel.h)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/bpf)
  add_custom_command(
    OUTPUT ${object}
    COMMAND
      ${RPCTEE_CLANG_PATH} -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -I${CMAKE_SOURCE_DIR}
      -isystem /usr/include/${CMAKE_LIBRARY_ARCHITECTURE} -MD -MF ${object}.d -MT ${object} -c
      ${CMAKE_SOURCE_DIR}/${source} -o ${object}
    COMMAND ${RPCTEE_LLVM_STRIP} -g ${object}
    DEPENDS ${CMAKE_SOURCE_DIR}/${source}
    DEPFILE ${object}.d
    COMMENT "BPF ${source}"
    VERBATIM)
  add_custom_command(
    OUTPUT ${skeleton}
    COMMAND sh -c "\"${RPCTEE_BPFTOOL}\" gen skeleton \"${object}\" name ${name} > \"${skeleton}\""
    DEPENDS ${object}
    COMMENT "BPF skeleton ${name}"
    VERBATIM)
  add_custom_target(${name}_bpf DEPENDS ${skeleton})
  add_library(rpctee_${name}_skeleton INTERFACE)
  add_library(rpctee::${name}_skeleton ALIAS rpctee_${name}_skeleton)
  add_dependencies(rpctee_${name}_skeleton ${name}_bpf)
  # SYSTEM: the generated header is not ours to warn about.
  target_include_directories(rpctee_${name}_skeleton SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/bpf)
  target_link_libraries(rpctee_${name}_skeleton INTERFACE PkgConfig::LIBBPF)
endfunction()
