/* sample_elf.c - see sample_elf.h. */
#include "sample_elf.h"

#include <elf.h>
#include <string.h>

void sample_elf_make(struct strbuf *out, const void *code, size_t code_length, bool is_code,
		     const struct sample_section *sections, size_t count)
{
	cleanup_strbuf struct strbuf names = STRBUF_INIT, data = STRBUF_INIT;
	Elf64_Shdr headers[SAMPLE_SECTIONS_MAX + 2] = { { .sh_type = SHT_NULL } };
	const size_t code_at = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
	const size_t data_at = code_at + code_length;
	const Elf64_Phdr segment = { .p_type = PT_LOAD, .p_flags = is_code ? PF_R | PF_X : PF_R,
				     .p_offset = code_at, .p_vaddr = SAMPLE_ELF_ADDRESS,
				     .p_filesz = code_length, .p_memsz = code_length };
	Elf64_Ehdr header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
			      .e_type = ET_EXEC, .e_machine = EM_X86_64,
			      .e_phoff = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr),
			      .e_phnum = 1, .e_shentsize = sizeof(Elf64_Shdr) };

	strbuf_addc(&names, '\0');
	for (size_t i = 0; i < count; i++) {
		headers[i + 1] = (Elf64_Shdr){ .sh_name = (uint32_t)names.length,
					       .sh_type = SHT_PROGBITS,
					       .sh_offset = data_at + data.length,
					       .sh_size = sections[i].length,
					       .sh_addr = sections[i].address };
		strbuf_add(&names, sections[i].name, strlen(sections[i].name) + 1);
		strbuf_add(&data, sections[i].data, sections[i].length);
	}
	headers[count + 1] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
					   .sh_offset = data_at + data.length,
					   .sh_size = names.length };
	while ((data_at + data.length + names.length) % 8)
		strbuf_addc(&names, '\0');
	header.e_shoff = data_at + data.length + names.length;
	header.e_shnum = (uint16_t)(count + 2);
	header.e_shstrndx = (uint16_t)(count + 1);
	strbuf_add(out, &header, sizeof(header));
	strbuf_add(out, &segment, sizeof(segment));
	strbuf_add(out, code, code_length);
	strbuf_add(out, data.data, data.length);
	strbuf_add(out, names.data, names.length);
	strbuf_add(out, headers, (count + 2) * sizeof(headers[0]));
}
