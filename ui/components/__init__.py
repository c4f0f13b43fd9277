"""Components that several views use: Streamlit components with scripts and styles, and the data they show."""
