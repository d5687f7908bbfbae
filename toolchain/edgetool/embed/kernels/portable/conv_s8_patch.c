/* needs: conv_s8_type */
/* Gather one row of a patch, [kernel_w][in_c]. */
static void conv_s8_patch_row(const conv_s8_t *p, const int8_t *row, int32_t left, int8_t *patch) {
  for (int32_t kx = 0; kx < p->kernel_w; ++kx) {
    const int32_t x = left + kx * p->dilation_w;
    if (x >= 0 && x < p->in_w && p->in_c == 1) {
      *patch = row[x];
    } else if (x >= 0 && x < p->in_w) {
      memcpy(patch, row + x * p->in_c, (size_t)p->in_c);
    } else {
      memset(patch, p->in_zero, (size_t)p->in_c);
    }
    patch += p->in_c;
  }
}

/* Gather [kernel_h][kernel_w][in_c]; what lies outside of the image is the zero point. */
static void conv_s8_patch(const conv_s8_t *p, const int8_t *input, int32_t top, int32_t left, int8_t *patch) {
  const int32_t width = p->kernel_w * p->in_c;
  const int is_inside = p->dilation_w == 1 && left >= 0 && left + p->kernel_w <= p->in_w;
  for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
    const int32_t y = top + ky * p->dilation_h;
    if (y < 0 || y >= p->in_h) {
      memset(patch, p->in_zero, (size_t)width);
    } else if (is_inside) {
      memcpy(patch, input + (y * p->in_w + left) * p->in_c, (size_t)width);
    } else {
      conv_s8_patch_row(p, input + y * p->in_w * p->in_c, left, patch);
    }
    patch += width;
  }
}
