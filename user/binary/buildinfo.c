/* SPDX-License-Identifier: GPL-2.0-only */
#include "binary/buildinfo.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define MAGIC "\xff Go buildinf:"
#define MAGIC_SZ 14
#define ALIGN 16
#define HEADER_SZ 32
#define FLAGS_OFF 15
#define FLAG_BIG_ENDIAN 1
#define FLAG_INLINE 2
/* cmd/go frames the module text by two sentinels of this length */
#define FRAME_SZ 16

/* ---- version ---- */

static void copy_text(char *out, size_t out_sz, const char *s, size_t len)
{
	if (len >= out_sz)
		len = out_sz - 1;
	memcpy(out, s, len);
	out[len] = '\0';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits to a number, at most 4 of them: no release has more. */
static const char *take_number(const char *s, unsigned *out)
{
	*out = 0;
	for (int i = 0; i < 4 && is_digit(*s); i++, s++)
		*out = *out * 10 + (unsigned)(*s - '0');
	return s;
}

void buildinfo__parse_version(const char *s, size_t len, struct gobinary_version *out)
{
	const char *at, *x;

	memset(out, 0, sizeof(*out));
	copy_text(out->text, sizeof(out->text), s, len);
	out->prerelease = !strncmp(out->text, "devel", 5);

	x = strstr(out->text, "X:");
	if (x)
		copy_text(out->experiment, sizeof(out->experiment), x + 2, strcspn(x + 2, " )"));

	at = strstr(out->text, "go1.");
	if (!at)
		return;
	at = take_number(at + 4, &out->minor);
	if (*at == '.')
		at = take_number(at + 1, &out->patch);
	/* beta1, rc2, and "-abcdef" of a development version */
	if (!strncmp(at, "rc", 2) || !strncmp(at, "beta", 4))
		out->prerelease = true;
}

/* ---- the blob ---- */

/* A Go string whose header lies at vaddr (up to Go 1.17). */
static int read_go_string(const struct elf_file *f, uint64_t vaddr, struct span *out)
{
	struct span header;
	uint64_t ptr, len;

	if (elf_file__bytes(f, vaddr, 16, &header) || span__u64(header, 0, &ptr) ||
	    span__u64(header, 8, &len))
		return -EBADMSG;
	if (!len) {
		*out = (struct span){0};
		return 0;
	}
	return elf_file__bytes(f, ptr, len, out);
}

static int read_strings(const struct elf_file *f, struct span blob, struct span *version,
			struct span *mod)
{
	uint64_t at = HEADER_SZ, len, ptr;
	uint8_t flags, ptr_sz;

	if (span__u8(blob, FLAGS_OFF, &flags) || span__u8(blob, FLAGS_OFF - 1, &ptr_sz))
		return -EBADMSG;
	if (flags & FLAG_INLINE) {
		if (span__uvarint(blob, &at, &len) || span__sub(blob, at, len, version))
			return -EBADMSG;
		at += len;
		if (span__uvarint(blob, &at, &len) || span__sub(blob, at, len, mod))
			return -EBADMSG;
		return 0;
	}
	if ((flags & FLAG_BIG_ENDIAN) || ptr_sz != 8)
		return -EBADMSG;
	if (span__u64(blob, 16, &ptr) || read_go_string(f, ptr, version) ||
	    span__u64(blob, 24, &ptr))
		return -EBADMSG;
	/* the module text may be absent */
	if (!ptr || read_go_string(f, ptr, mod))
		*mod = (struct span){0};
	return 0;
}

static int find_blob(struct span data, struct span *out)
{
	struct span rest;

	for (uint64_t off = 0; !span__from(data, off, &rest);) {
		const uint8_t *hit = memmem(rest.p, rest.n, MAGIC, MAGIC_SZ);

		if (!hit)
			break;
		off = (uint64_t)(hit - data.p);
		if (off % ALIGN == 0 && data.n - off >= HEADER_SZ)
			return span__from(data, off, out);
		off++;
	}
	return -ENODATA;
}

static int locate(const struct elf_file *f, struct span *out)
{
	struct elf_section s;
	struct span data;

	bool has_section = elf_file__section(f, ".go.buildinfo", &s);

	if (has_section && !elf_file__section_bytes(f, &s, &data) && !find_blob(data, out))
		return 0;
	if (!has_section && elf_file__has_sections(f))
		return -ENODATA;
	/* without sections: it is the first thing in the first writable segment, or, from Go
	 * 1.26 on, anywhere in a read-only one */
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < f->load_cnt; i++) {
			bool writable = f->loads[i].flags & PF_W;

			if (writable == (pass == 0) &&
			    !span__sub(f->file, f->loads[i].off, f->loads[i].filesz, &data) &&
			    !find_blob(data, out))
				return 0;
		}
	}
	return -ENODATA;
}

/* ---- module text ---- */

/* Lines "key\tvalue[\t…]": the value of the first line that starts with key. */
static bool module_value(struct span text, const char *key, char *out, size_t out_sz)
{
	size_t key_len = strlen(key);
	const char *s = (const char *)text.p, *end = s + text.n;

	while (s < end) {
		const char *eol = memchr(s, '\n', (size_t)(end - s));
		size_t len = (size_t)((eol ? eol : end) - s);

		if (len > key_len && !memcmp(s, key, key_len)) {
			const char *val = s + key_len;
			const char *tab = memchr(val, '\t', len - key_len);

			copy_text(out, out_sz, val, tab ? (size_t)(tab - val) : len - key_len);
			return true;
		}
		s += len + 1;
	}
	return false;
}

static void parse_module(struct span mod, struct buildinfo *out)
{
	char race[8];

	if (mod.n < 2 * FRAME_SZ + 1 || mod.p[mod.n - FRAME_SZ - 1] != '\n' ||
	    span__sub(mod, FRAME_SZ, mod.n - 2 * FRAME_SZ, &mod))
		return;
	if (!module_value(mod, "mod\t", out->module, sizeof(out->module)))
		module_value(mod, "path\t", out->module, sizeof(out->module));
	module_value(mod, "build\t-buildmode=", out->buildmode, sizeof(out->buildmode));
	out->race = module_value(mod, "build\t-race=", race, sizeof(race)) && !strcmp(race, "true");
}

int buildinfo__read(const struct elf_file *f, struct buildinfo *out)
{
	struct span blob, version, mod;
	int err;

	memset(out, 0, sizeof(*out));
	err = locate(f, &blob);
	if (err)
		return err;
	if (read_strings(f, blob, &version, &mod) || !version.n) {
		log_error("build info: '%s': malformed at file offset 0x%zx", f->name,
			  (size_t)(blob.p - f->file.p));
		return -EBADMSG;
	}
	buildinfo__parse_version((const char *)version.p, version.n, &out->version);
	parse_module(mod, out);
	return 0;
}
