import { isDeepStrictEqual } from 'node:util';
import type { SwaggerDocumentOptions } from '@nestjs/swagger';
import { z } from 'zod';

type Converter = NonNullable<SwaggerDocumentOptions['standardSchemaConverter']>;
type Json = Record<string, unknown>;

/**
 * Turns zod schemas into JSON Schema for OpenAPI 3.1. Those with `.meta({ id })` become components of that name, also at
 * the top, where Nest's own conversion writes them out anew in each route.
 */
export function componentsFromZod(): Converter {
  const known: Json = {};
  return (schema, { schemaType }) => {
    if (!(schema instanceof z.ZodType)) return undefined;
    const { $defs = {}, properties } = z.toJSONSchema(z.object({ top: schema }), {
      io: schemaType,
      override: ({ zodSchema: { _zod }, jsonSchema }) => {
        delete jsonSchema.id;
        // The name of a format says it better than a pattern of a hundred characters.
        if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
        // What zod adds to every integer is the range of JavaScript, not of the member.
        if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
        if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
        // Answers may gain members: only shapes that are strict on purpose are closed.
        if (_zod.def.type === 'object' && !('catchall' in _zod.def && _zod.def.catchall !== undefined)) {
          delete jsonSchema.additionalProperties;
        }
      },
    });
    for (const [id, component] of Object.entries($defs)) {
      if (id in known && !isDeepStrictEqual(known[id], component))
        throw new Error(`two different schemas have the id ${id}; each name in the document needs one shape`);
      known[id] = component;
    }
    return { schema: properties?.['top'], components: $defs };
  };
}
