/* needs: math */
/* Of operators that change each value by itself. */
typedef struct {
  int32_t num_elements;
  float alpha; /* of LEAKY_RELU */
} unary_f32_t;

/* Defines the kernel `name`, which computes an expression of x; output may be the input. */
#define UNARY(name, expression)                                                                  \
  static void name(const unary_f32_t *p, const float *input, float *output) {                    \
    for (int32_t i = 0; i < p->num_elements; ++i) {                                              \
      const float x = input[i];                                                                  \
      output[i] = (expression);                                                                  \
    }                                                                                            \
  }
