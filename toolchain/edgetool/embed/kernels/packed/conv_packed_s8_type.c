/* needs: packed_s8_unpack conv_s8_type sum_s8_scales */
/* Of convolutions whose weights are packed: those of `filters` filters at a time are unpacked, for all pixels. */
typedef struct {
  conv_s8_t conv; /* weights: codes */
  packed_s8_t packed;
  int32_t filters;
  int32_t apart; /* what fills a filter up is no 0, so that what it is multiplied with must be */
} conv_packed_s8_t;

/* Working memory: the table of codes, weights of `filters` filters, what the core's kernel needs. */
typedef struct {
  conv_s8_t part; /* the filters that are unpacked */
  const uint8_t *codes;
  int32_t *table;
  int8_t *weights, *rest;
} conv_packed_s8_work_t;

INLINE conv_packed_s8_work_t conv_packed_s8_begin(const conv_packed_s8_t *p, int32_t depth, void *scratch) {
  conv_packed_s8_work_t work;
  work.part = p->conv;
  work.codes = (const uint8_t *)p->conv.weights;
  work.table = (int32_t *)scratch;
  work.weights = (int8_t *)(work.table + (p->packed.bits == 0 ? 256 : 0));
  work.rest = work.weights + ((p->filters * depth + 7) & ~7);
  work.part.weights = work.weights;
  if (p->packed.bits == 0) {
    packed_table(&p->packed, work.table);
  }
  return work;
}

/* Unpack the filters from `first` on. */
INLINE void conv_packed_s8_next(const conv_packed_s8_t *p, conv_packed_s8_work_t *work, int32_t depth, int32_t first) {
  const int32_t left = p->conv.out_c - first;
  work->part.out_c = left < p->filters ? left : p->filters;
  work->codes = packed_s8_unpack(&p->packed, work->codes, first / p->filters, work->table, work->weights,
                                 p->filters * depth);
  work->part.biases = p->conv.biases + first;
  work->part.multipliers = p->conv.multipliers + first;
  work->part.shifts = p->conv.shifts + first;
}
