"""Files made to harm whoever reads them: an attack is a row of a table, and one check holds for all."""
