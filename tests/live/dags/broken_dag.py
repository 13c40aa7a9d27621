"""An Airflow DAG file that does not import, so that the console has an import error to show. (Airflow reads only files
that hold the words airflow and dag.)"""

import a_module_that_nobody_has

a_module_that_nobody_has.dag()
