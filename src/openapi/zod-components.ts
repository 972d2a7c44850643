import { isDeepStrictEqual } from 'node:util';
import type { SwaggerDocumentOptions } from '@nestjs/swagger';
import { z } from 'zod';

type Converter = NonNullable<SwaggerDocumentOptions['standardSchemaConverter']>;
type Json = Record<string, unknown>;

/**
 * Returns a converter from zod schemas to JSON Schema for OpenAPI 3.1. Schemas with `.meta({ id })` become components, also
 * at the top level, where Nest's own conversion would repeat them inline in each route.
 */
export function componentsFromZod(): Converter {
  const components: Json = {};
  return (schema, { schemaType }) => {
    if (!(schema instanceof z.ZodType)) return undefined;
    const { $defs = {}, properties } = z.toJSONSchema(z.object({ top: schema }), {
      io: schemaType,
      override: ({ zodSchema: { _zod }, jsonSchema }) => {
        delete jsonSchema.id;
        // `format` is enough; zod adds a pattern of a hundred characters.
        if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
        // zod adds the range of JavaScript's safe integers to every integer.
        if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
        if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
        // Responses may gain members, so only strict schemas are closed.
        if (_zod.def.type === 'object' && !('catchall' in _zod.def && _zod.def.catchall !== undefined)) {
          delete jsonSchema.additionalProperties;
        }
      },
    });
    for (const [id, component] of Object.entries($defs)) {
      if (id in components && !isDeepStrictEqual(components[id], component))
        throw new Error(`two different schemas have the id ${id}`);
      components[id] = component;
    }
    return { schema: properties?.['top'], components: $defs };
  };
}
