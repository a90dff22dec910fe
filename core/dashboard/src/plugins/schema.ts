// The keys of a plugin's configuration, as its JSON Schema tells of them.
export interface ConfigKey {
  name: string;
  type: string;
  required: boolean;
  description: string;
}

const record = (value: unknown): Record<string, unknown> => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {});

/** `string`, `"plain" or "login"`, `boolean or integer`, `secret`. */
export function typeInWords(value: unknown): string {
  const schema = record(value);
  if (Array.isArray(schema.enum)) return schema.enum.map((each) => JSON.stringify(each)).join(' or ');
  const either = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(either)) return [...new Set(either.map(typeInWords))].join(' or ');
  if ('secret' in record(schema.properties)) return 'secret';
  if (schema.type === 'array') return `list of ${typeInWords(schema.items)}`;
  if (Array.isArray(schema.type)) return schema.type.join(' or ');
  return typeof schema.type === 'string' ? schema.type : 'any';
}

/** Required ones first. */
export function properties(value: unknown): ConfigKey[] {
  const schema = record(value);
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(record(schema.properties))
    .map(([name, each]): ConfigKey => {
      const { description } = record(each);
      return { name, type: typeInWords(each), required: required.includes(name), description: typeof description === 'string' ? description : '' };
    })
    .sort((a, b) => Number(b.required) - Number(a.required));
}
