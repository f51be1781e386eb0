/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/nop5.h"

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "capture/compat.h"

#ifdef __x86_64__

#define OP_CALL 0xe8

void capture_nop5_site(void);
__asm__(".pushsection .text\n"
	".globl capture_nop5_site\n"
	".hidden capture_nop5_site\n"
	".type capture_nop5_site, @function\n"
	".balign 16\n"
	"capture_nop5_site:\n"
	"	.byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n"
	"	ret\n"
	".size capture_nop5_site, . - capture_nop5_site\n"
	".popsection\n");

/* Where in our executable an address of its text is. */
static bool file_offset(uintptr_t addr, unsigned long *off)
{
	unsigned long start, end, map_off;
	FILE *f = fopen("/proc/self/maps", "re");
	bool found = false;
	char line[512];

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &map_off) != 3)
			continue;
		found = addr >= start && addr < end;
		if (found)
			*off = addr - start + map_off;
	}
	fclose(f);
	return found;
}

bool nop5__works(void)
{
	const volatile uint8_t *text = (const uint8_t *)(uintptr_t)capture_nop5_site;
	unsigned long off;
	bool works;
	int i, link;

	if (!file_offset((uintptr_t)text, &off))
		return false;
	link = compat__probe_bare("/proc/self/exe", off, getpid());
	if (link < 0)
		return false;
	for (i = 0; i < 4; i++) /* the first hit has it optimised */
		capture_nop5_site();
	works = text[0] == OP_CALL;
	close(link);
	return works;
}

#else

bool nop5__works(void)
{
	return false;
}

#endif
