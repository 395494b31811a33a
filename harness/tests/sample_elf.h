/* sample_elf.h - made-up ELF files for tests of what looks into them. */
#ifndef KERNGATE_TESTS_SAMPLE_ELF_H
#define KERNGATE_TESTS_SAMPLE_ELF_H

#include <stdbool.h>
#include <stdint.h>

#include "strbuf.h"

struct sample_section {
	const char *name;
	const void *data;
	size_t length;
	uint64_t address;
};

#define SAMPLE_ELF_ADDRESS 0x400000 /* of the segment */
#define SAMPLE_SECTIONS_MAX 6

/* Appends a program with fixed addresses: one loadable segment (executable if is_code)
 * that holds `code`, and these sections. Its tables lie at multiples of 8. */
void sample_elf_make(struct strbuf *out, const void *code, size_t code_length, bool is_code,
		     const struct sample_section *sections, size_t count);

#endif
