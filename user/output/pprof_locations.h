/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_PPROF_LOCATIONS_H
#define OUTPUT_PPROF_LOCATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/strtab.h"
#include "goruntime/symtab.h"
#include "output/pprof_writer.h"

/*
 * The tables behind the samples of a profile: strings, functions, locations, mappings, numbered
 * in the order in which they are asked for.
 */
#define PPROF_STACK_MAX 1024 /* physical PCs of one stack; what is above is dropped */
#define PPROF_PSEUDO_MAX 4

struct pprof_locations;

int pprof_locations__new(const struct symtab *symtab, struct pprof_locations **out);
void pprof_locations__free(struct pprof_locations *l);
void pprof_locations__keep_wrappers(struct pprof_locations *l);
int pprof_locations__mapping(struct pprof_locations *l, const struct pprof_mapping *m);

/* Id in the profile's string table; an allocation that fails shows at pprof_locations__put. */
uint32_t pprof_locations__string(struct pprof_locations *l, const char *s);
const struct strtab *pprof_locations__strings(const struct pprof_locations *l);

/* Ids of the locations of a stack, leaf first; ids has room for PPROF_STACK_MAX. Never none: a
 * stack of which nothing is left is one pseudo location. */
int pprof_locations__of_stack(struct pprof_locations *l, const struct pprof_stack *stack,
			      uint32_t *ids, size_t *id_cnt);
/* Locations without an address; cnt ids. */
int pprof_locations__of_names(struct pprof_locations *l, const char *const *names, size_t cnt,
			      uint32_t *ids);

/* Appends the mapping, location and function messages. */
int pprof_locations__put(struct pprof_locations *l, struct buf *out);

#endif
