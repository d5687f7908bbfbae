/* needs: depthwise_conv_s8_type */
/* The rows under the window of any depthwise convolution, in a ring: each input channel stands as often as it makes an
   output, channels are filled up, and the columns of a dilated window lie side by side. The pixel functions of plain
   depthwise convolutions then read them. */
typedef struct {
  const int8_t **rows; /* [kernel_h], where those of the window begin */
  int8_t *ring;
  int32_t num_rows, phase, next; /* phase: bytes of the columns that are dilation_w apart */
  int32_t channels;
} depthwise_spread_t;

static depthwise_spread_t depthwise_spread_begin(const depthwise_conv_s8_t *p, int32_t channels, void *scratch) {
  const int32_t under = (p->out_w - 1) * p->stride_w + (p->kernel_w - 1) * p->dilation_w + 1;
  const int32_t whole = p->in_w + p->pad_left;
  depthwise_spread_t spread;
  spread.rows = (const int8_t **)scratch;
  spread.ring = (int8_t *)(spread.rows + p->kernel_h);
  spread.num_rows = (p->kernel_h - 1) * p->dilation_h + 1;
  spread.phase = ((under > whole ? under : whole) + p->dilation_w - 1) / p->dilation_w * channels;
  spread.next = -p->pad_top;
  spread.channels = channels;
  return spread;
}

/* Where a column begins in its row. */
INLINE int32_t depthwise_spread_column(const depthwise_spread_t *spread, int32_t column, int32_t dilation_w) {
  return column % dilation_w * spread->phase + column / dilation_w * spread->channels;
}

/* Copy image row `y` into its place. */
static void depthwise_spread_row(const depthwise_spread_t *spread, const depthwise_conv_s8_t *p, const int8_t *input,
                                 int32_t y) {
  const int32_t size = spread->phase * p->dilation_w, repeat = p->out_c / p->in_c;
  int8_t *const row = spread->ring + (y + p->pad_top) % spread->num_rows * size;
  memset(row, p->in_zero, (size_t)size);
  if (y < 0 || y >= p->in_h) {
    return;
  }
  const int8_t *pixel = input + y * p->in_w * p->in_c;
  for (int32_t x = 0; x < p->in_w; ++x) {
    int8_t *to = row + depthwise_spread_column(spread, x + p->pad_left, p->dilation_w);
    if (repeat == 1) {
      memcpy(to, pixel, (size_t)p->in_c);
      pixel += p->in_c;
      continue;
    }
    for (const int8_t *const end = pixel + p->in_c; pixel < end; ++pixel) {
      for (int32_t i = 0; i < repeat; ++i) {
        *to++ = *pixel;
      }
    }
  }
}

/* Copy what output row `y` needs, and find the window's rows. */
static void depthwise_spread_advance(depthwise_spread_t *spread, const depthwise_conv_s8_t *p, const int8_t *input,
                                     int32_t y) {
  const int32_t first = y * p->stride_h, size = spread->phase * p->dilation_w;
  for (; spread->next < first - p->pad_top + spread->num_rows; ++spread->next) {
    depthwise_spread_row(spread, p, input, spread->next);
  }
  for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
    spread->rows[ky] = spread->ring + (first + ky * p->dilation_h) % spread->num_rows * size;
  }
}
