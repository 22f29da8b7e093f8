/** A JSON Schema of draft 2020-12 (https://json-schema.org/draft/2020-12). */
export type JSONSchema = boolean | JSONSchemaObject;

export type JSONSchemaType = 'string' | 'number' | 'integer' | 'boolean' | 'object' | 'array' | 'null';

export interface JSONSchemaObject {
  $id?: string;
  $schema?: string;
  $ref?: string;
  $anchor?: string;
  $dynamicRef?: string;
  $dynamicAnchor?: string;
  $comment?: string;
  $defs?: Record<string, JSONSchema>;
  definitions?: Record<string, JSONSchema>;
  type?: JSONSchemaType | readonly JSONSchemaType[];
  // biome-ignore lint/suspicious/noExplicitAny: as in conf's types: any JSON value, and typed elsewhere
  default?: any;
  const?: unknown;
  enum?: readonly unknown[];
  multipleOf?: number;
  maximum?: number;
  exclusiveMaximum?: number;
  minimum?: number;
  exclusiveMinimum?: number;
  maxLength?: number;
  minLength?: number;
  pattern?: string;
  format?: string;
  items?: JSONSchema;
  prefixItems?: readonly JSONSchema[];
  unevaluatedItems?: JSONSchema;
  maxItems?: number;
  minItems?: number;
  uniqueItems?: boolean;
  contains?: JSONSchema;
  maxContains?: number;
  minContains?: number;
  maxProperties?: number;
  minProperties?: number;
  required?: readonly string[];
  dependentRequired?: Record<string, readonly string[]>;
  dependentSchemas?: Record<string, JSONSchema>;
  properties?: Record<string, JSONSchema>;
  patternProperties?: Record<string, JSONSchema>;
  additionalProperties?: JSONSchema;
  unevaluatedProperties?: JSONSchema;
  propertyNames?: JSONSchema;
  allOf?: readonly JSONSchema[];
  anyOf?: readonly JSONSchema[];
  oneOf?: readonly JSONSchema[];
  not?: JSONSchema;
  then?: JSONSchema;
  if?: JSONSchema;
  else?: JSONSchema;
  contentEncoding?: string;
  contentMediaType?: string;
  contentSchema?: JSONSchema;
  title?: string;
  description?: string;
  deprecated?: boolean;
  readOnly?: boolean;
  writeOnly?: boolean;
  examples?: readonly unknown[];
}
