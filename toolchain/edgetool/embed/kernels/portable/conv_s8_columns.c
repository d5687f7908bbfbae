/* needs: conv_s8_type */
/* Patches as columns, [kernel_w][kernel_h][in_c]: what the windows of neighbouring pixels share is read from the image
   once. The core says how values are kept: column_value_t, column_put, column_fill, column_move. */

/* How the patches of two pixels lie. */
typedef struct {
  int32_t column, depth; /* values of a column, and of a patch, filled up */
  int32_t step, second; /* columns from one patch to the next; where the second begins */
} conv_s8_sizes_t;

/* Sizes for columns of `column` values; `apart`: what fills up the first patch stays 0, and is not the second's. */
INLINE conv_s8_sizes_t conv_s8_sizes(const conv_s8_t *p, int32_t column, int32_t chunk, int apart) {
  conv_s8_sizes_t sizes;
  sizes.column = column;
  sizes.depth = (p->kernel_w * column + chunk - 1) & -chunk;
  sizes.step = p->dilation_w == 1 && p->stride_w < p->kernel_w && !apart ? p->stride_w : p->kernel_w;
  sizes.second = apart ? sizes.depth : sizes.step * column;
  return sizes;
}

/* Gather `kernel_h` rows of a column from `from` on, image row `y`; rows from `in_h` on, and above 0, are outside. */
INLINE void conv_s8_column(const conv_s8_t *p, const int8_t *input, int32_t from, int32_t y, uint32_t in_h, int32_t in_c,
                           column_value_t *to) {
  const int32_t in_zero = p->in_zero, dilation_h = p->dilation_h, end = y + p->kernel_h * dilation_h;
  const int32_t step = dilation_h * p->in_w * in_c;
  for (; y < end; y += dilation_h) {
    if ((uint32_t)y < in_h) {
      column_put(input + from, in_c, to);
    } else {
      column_fill(in_zero, in_c, to);
    }
    from += step;
    to += in_c;
  }
}

/* Gather the patches of `count` output pixels from (y, x) on, of a row from its beginning two at a time; what lies
   outside of the image is the zero point. */
NOINLINE static void conv_s8_gather(const conv_s8_t *p, const int8_t *input, int32_t y, int32_t x, int32_t count,
                                    const conv_s8_sizes_t *sizes, column_value_t *columns) {
  const int32_t column = sizes->column, kernel_w = p->kernel_w, shared = kernel_w - sizes->step;
  const int32_t top = y * p->stride_h - p->pad_top, in_w = p->in_w, in_c = p->in_c, dilation_w = p->dilation_w;
  const uint32_t in_h = (uint32_t)p->in_h;
  int32_t left = x * p->stride_w - p->pad_left, first = 0;
  if (x > 0 && shared > 0) {
    first = shared;
    column_move(columns, columns + 2 * sizes->second, shared * column);
  }
  for (int32_t i = 0; i < count; ++i) {
    column_value_t *to = columns + i * sizes->second + first * column;
    for (int32_t kx = first; kx < kernel_w; ++kx) {
      const int32_t image_x = left + kx * dilation_w;
      const int is_inside = (uint32_t)image_x < (uint32_t)in_w;
      conv_s8_column(p, input, (top * in_w + image_x) * in_c, top, is_inside ? in_h : 0u, in_c, to);
      to += column;
    }
    left += p->stride_w;
    first = shared;
  }
}
